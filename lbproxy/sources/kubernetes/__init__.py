"""Services whose backends are the endpoints that Kubernetes knows.

The flow: `client` lists and watches, `watches` keeps what each watch said, `service_port_watch` finds the port in the
Service, `endpoint_slice` reads one slice, `service_endpoints` merges all slices of a Service, `resolver` answers with
the result.
"""
