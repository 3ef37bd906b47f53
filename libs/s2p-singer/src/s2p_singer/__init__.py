"""What this project's Singer plugins share: settings, error boundary, signals, fast message I/O."""
