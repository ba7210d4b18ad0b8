"""What is published for people: the site, the quality page, the freshness of sources, the lineage of figures."""
