"""How the sample video and the sample model were made; never imported by the app."""
