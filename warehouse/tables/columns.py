"""Columns that several tables share, each declared once: one name, one meaning, one set of values."""

from warehouse.tables.table import Column

TICKER = Column("ticker", "text", "ticker of the company", required=True)
NOTE = Column("note", "text", "what to know about the row")
CONFIDENCE_MEANINGS = {
    "high": "held to be right",
    "medium": "held to be roughly right",
    "low": "a guess, or the word of one side",
}
CONFIDENCE = Column("confidence", "text", "confidence of whoever compiled the row", named=CONFIDENCE_MEANINGS)
GPU_MODEL = Column("gpu_model", "text", "chip", required=True)
DEVELOPER = Column("developer", "text", "who trained it", required=True)
ESTIMATE_BY = Column("estimate_by", "text", "who says so", required=True)
TRAINING_FLOP = Column("training_flop", "real", "operations of training; null where unknown", "FLOP", above=0)

# Of the tables that say what a run of the pipeline found.
RUN_ID = Column("run_id", "text", "identifier of the run", required=True)
ROW_AS_READ = Column("row", "json", "the row as it was read", required=True)
