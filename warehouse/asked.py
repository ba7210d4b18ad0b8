"""What each question of the method asks, and what no answer to it says: the words that every screen needs at once.

All else about a question stands in its own file (`warehouse.marts.verdict.questions`). These two sentences stand here because
`overbuild verdict` shows them within a fifth of a second, and to import the rules of the answers takes ten times as long.
"""

from __future__ import annotations

ASKED = {
    "Q1": "Is the cheap-training claim true?",
    "Q2": "How much capex does it make redundant?",
    "Q3": "Does the spending pay?",
    "Q4": "What did the market say?",
    "overall": "Is the spending wasteful?",
}
SILENT = {
    "Q1": "It leaves out research, failed runs, staff and hardware, and cannot show waste by itself.",
    "Q2": "It applies the world's training share to each company and says nothing of whether the rest pays.",
    "Q3": "Little coverage early in a build-out is normal, and gains outside revenue are not counted.",
    "Q4": "Prices say what others believed and not what is true, so they only corroborate.",
    "overall": "It judges no single project, and neither the training claim nor the market's reaction enters it.",
}
