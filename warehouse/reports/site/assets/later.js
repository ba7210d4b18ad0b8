// Nothing: no run was refused after this answer was published. A run that is refused says so here.
