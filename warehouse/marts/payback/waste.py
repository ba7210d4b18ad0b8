"""How two sentences of the simulation begin, for the verdict, which still reads them. Goes when it reads the codes."""

from __future__ import annotations

LEFT_OUT = "left out, as their capex is unknown"
SO_FAR = "by the quarters known so far"
