"""How the parity fixtures were made; never imported by the app or the tests."""
