"""Names of the files that a job leaves in its outbox."""

ERROR_FILE = "error.json"
DESCRIPTION_FILE = "description.json"
LEDGER_FILE = "ledger.json"
RESULTS_FILE = "results.jsonl"
