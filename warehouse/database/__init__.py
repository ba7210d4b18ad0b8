"""Where SQL meets the warehouse: the store, loading, views, releases."""
