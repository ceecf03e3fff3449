"""What an operator and a monitoring system see of lbproxy, over HTTP: metrics, health and state. It changes nothing."""
