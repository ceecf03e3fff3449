"""What HAProxy, nginx, Envoy, keepalived and IPVS call what lbproxy has too, and our word for it. Pure.

Users who come from one of them write its words, and most are not spelled like any of ours.
"""

import re

_KEYS = {
    "listen": "bind address frontend listener listeners virtual_server virtual_address virtual_ipaddress vip "
              "socket_address",
    "backends": "server servers real_server real_servers endpoints lb_endpoints upstream upstreams members targets "
                "peers clusters pool",
    "scheduler": "balance algorithm lb_algorithm lb_algo lvs_sched lb_policy load_balancing load_balancing_policy "
                 "strategy method",
    "max-conns": "maxconn max_connections connection_limit fullconn u_threshold uthreshold upper_threshold limit_conn",
    "queue": "maxqueue max_queue max_pending_requests backlog",
    "queue-timeout": "timeout_queue",
    "connect-timeout": "timeout_connect proxy_connect_timeout conn_timeout contimeout",
    "connect-retries": "retries retry redispatch proxy_next_upstream_tries max_connect_attempts",
    "idle-timeout": "timeout timeout_client timeout_server timeout_tunnel clitimeout srvtimeout proxy_timeout "
                    "tcp_timeout keepalive_timeout",
    "half-close-timeout": "timeout_client_fin timeout_server_fin proxy_half_close tcpfin_timeout",
    "drain-timeout": "hard_stop_after worker_shutdown_timeout drain_time grace shutdown_timeout",
    "shutdown-delay": "shutdown_grace grace_period",
    "health-interval": "inter interval delay_loop check check_interval healthcheck health_check health_checks "
                       "tcp_check",
    "health-timeout": "timeout_check fail_timeout check_timeout",
    "health-rise": "rise healthy_threshold",
    "health-fall": "fall max_fails unhealthy_threshold",
    "workers": "nbproc nbthread threads processes worker_processes concurrency",
    "admin": "stats stats_socket admin_address metrics prometheus",
    "dns-server": "resolver resolvers nameserver nameservers dns_resolvers",
    "log-level": "verbosity error_log",
}
_SCHEDULERS = {
    "wlc": "leastconn least_conn least_connection least_connections least_request",
    "wrr": "roundrobin round_robin static_rr",
    "sh": "source ip_hash source_hash source_ip",
    "mh": "maglev hash ring_hash consistent_hash",
}


def _by_word(table: dict[str, str]) -> dict[str, str]:
    return {_plain(word): ours for ours, words in table.items() for word in words.split()}


def _plain(word: str) -> str:
    """Leave letters and digits only: `timeout connect`, `timeout-connect` and TIMEOUT_CONNECT are one word."""
    return re.sub("[^a-z0-9]", "", word[:60].lower())


_OUR_KEY, _OUR_SCHEDULER = _by_word(_KEYS), _by_word(_SCHEDULERS)


def our_key(word: str) -> str | None:
    """Return our key for what another balancer calls so; None if it is not known to be one of theirs."""
    return _OUR_KEY.get(_plain(word))


def our_scheduler(word: str) -> str | None:
    """Return our scheduler that chooses as another balancer's of this name; None if none is known."""
    return _OUR_SCHEDULER.get(_plain(word))
