"""Client-side state: row store, polling, realtime, tails, costs. No textual."""
