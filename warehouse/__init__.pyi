from warehouse.api import UsageError as UsageError
from warehouse.api import open as open
from warehouse.api import sql as sql
from warehouse.api import table as table
from warehouse.api import trace as trace
from warehouse.api import verdict as verdict

__version__: str
__all__ = ["UsageError", "open", "sql", "table", "trace", "verdict"]
