"""Services whose backends are the endpoints that Kubernetes knows: lists, watches, and what follows from them."""
