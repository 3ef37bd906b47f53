"""What is wrong with the set-up, each finding with its remedy: one module for each system."""
