"""What turns an event into work: matching, enqueue, start, the nodes of a graph, waits, and housekeeping."""
