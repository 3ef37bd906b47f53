"""The operators' command: keys, held lines, audit trail, the life of a document."""
