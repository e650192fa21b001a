"""What runs in the browser, and the components that mount it."""
