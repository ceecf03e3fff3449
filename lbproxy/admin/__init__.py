"""The admin server: metrics, health, state, a live page and an operator's drain orders, over HTTP."""
