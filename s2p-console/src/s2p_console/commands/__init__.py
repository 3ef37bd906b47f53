"""The commands, one module per group: options in, presentation out."""
