-- A queued job with a text here waits for what the text says; it runs when that is there.
ALTER TABLE job ADD COLUMN waiting_for TEXT;
