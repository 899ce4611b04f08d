"""Images: reading ROIs at the network's resolution, class-map files, overlays. The only home of pyvips."""
