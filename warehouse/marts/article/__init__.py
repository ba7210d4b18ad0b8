"""The article that started this: each of its claims held against the facts."""
