"""Tags of the site's own templates."""
