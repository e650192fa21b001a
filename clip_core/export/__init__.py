"""Write scores and moments to files for other tools, and read moments back."""
