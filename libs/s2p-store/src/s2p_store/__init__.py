"""What must survive a run: vault, audit trail, holds, ledger, reference snapshots."""
