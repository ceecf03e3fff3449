"""A worker process: it accepts clients, chooses a backend for each and relays bytes. This page is the way in.

One thread, one epoll set, no lock. These files, in the order in which a connection meets them:

1. `listener`: accepts, while descriptors last
2. `service`: one service; where connections come in (`LiveService.open`) and end (`LiveService.close`)
3. `pool`, and `scheduler` in it: choose a backend and count the connection in one step
4. `pending_connections`: the queue, the attempts to connect, and retries
5. `byte_loop`: moves the bytes of the common case; the state is in `connection`
6. `slow_path`: moves the bytes of every other case, bulk through a `pipe` where the kernel allows it

`idle_reaper` visits each relaying connection once a second. `engine` holds one of everything; `process` obeys the main
process. Inputs are epoll's events (`ByteLoop.run`), the tick every 0.1 s, and the main process's messages.

Life of a connection
--------------------
CHOOSING: within one step; no event meets it. `PendingConnections.connect`
    a backend takes it           DIALING; its connect() follows when the batch has been read
    all are at their limit       QUEUED; CLOSED (`queue_full`) if the queue is full
    no backend                   CLOSED (`no_backend`)
QUEUED: has a client. Nothing is read from it; what it sends waits in the kernel
    a place is free              DIALING                                    `PendingConnections.admit_queued`
    the client sends or ends     noted only: read when RELAYING             `PendingConnections.on_event`
    the client resets            CLOSED (`client_gone`)                     `PendingConnections.abandon`
    waited `queue_timeout`       CLOSED (`queue_timeout`)                   `PendingConnections.expire`
DIALING: has a client, a server and a target, and counts as one of the target's connections
    connected                    RELAYING, first what was noted             `ByteLoop.link`
    refused, or `connect_timeout`  CHOOSING without this target; after `connect_retries` CLOSED (`connect_failed`)
    the client sends or ends     noted only                                 `PendingConnections.on_event`
    the client resets            CLOSED (`client_gone`)                     `PendingConnections.abandon`
    its backend is removed       CHOOSING                                   `PendingConnections.reassign`
    no descriptor                CLOSED (`descriptors`), accepting pauses   `Gate.pause`
RELAYING: the same, and each end knows its peer
    bytes                        to the peer                                `ByteLoop.run`
    the peer is full             held back, not read until it has room      `SlowPath.hold_back`
    a small read is filled       bulk: a CHUNK at a time, by turns          `SlowPath.turn`
    an end of stream             passed on; at the second CLOSED (`finished`)
    an end breaks                what it had sent is relayed and acknowledged, or the other end is silent for too long;
                                 then CLOSED, the other is reset            `LiveService.on_lost`
    the backend resets unused    DIALING again, elsewhere                   `PendingConnections.retry`
    silent for too long          CLOSED (`idle_timeout`, `half_close_timeout`)   `IdleReaper.tick`
    its backend is removed       CLOSED (`drain_timeout`)                   `LiveService.drop`
CLOSED: has neither ends nor a target; counted once, under its reason

Invariants, each with the test that guards it. Those marked * are looked at after each batch of every test of an engine
-------------------------------------------------------------------------------------------------------------------------
* A connection has what its phase says, and stands where its phase says: test_broken_invariant_is_noticed
* A count is a lease: each DIALING or RELAYING connection is one of its target's: test_totals_add_up_after_a_throng
* `sink` follows from phase and flags, and one function derives it: test_only_one_function_sets_a_sink,
  test_sinks_follow_from_phase_and_flags
* An end is read, or its peer is owed bytes, never both; a peer is owed a CHUNK at most:
  test_never_reading_client_stops_the_sender_and_gets_everything_once_it_reads
* No end blocks: test_connection_blocks_on_neither_side
- What is deferred or removed is so within a batch: test_outside_a_batch_nothing_can_be_deferred_or_removed
- A descriptor is closed at the end of the batch, so that no event of it reaches its successor:
  test_event_of_a_closed_socket_is_not_taken_for_one_of_its_successor, test_batch_within_a_batch_closes_nothing
- Epoll is edge-triggered: reading stops only when the socket is empty, the peer is full or a turn is queued:
  test_what_is_left_after_a_turn_goes_on_without_an_event
- Nothing is read before RELAYING, so another backend can have all of it:
  test_client_that_went_on_sending_while_connecting_loses_nothing
- Bytes arrive once and in order, and those of a lost connection nowhere: test_nothing_is_lost_repeated_or_out_of_order,
  test_what_a_lost_client_was_owed_reaches_nobody_else
- A break is passed on as a break, never as an end: test_backend_reset_midstream_closes_client_and_frees_lease
- What an end had sent before it broke arrives before the break, whatever call found it:
  test_answer_of_a_backend_that_closes_with_the_request_unread_arrives_whole
- A closed connection is in no reference cycle: test_connections_that_ended_need_no_garbage_collector
"""
