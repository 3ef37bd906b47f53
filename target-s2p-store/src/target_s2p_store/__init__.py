"""Singer target that notes in the store what ServiceNow made of documents and staged rows."""
