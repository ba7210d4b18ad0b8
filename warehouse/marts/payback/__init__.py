"""Whether the spend pays: revenue against what is required, the simulation, its sensitivity, and signs of a glut."""
