package cluster

import (
	"bytes"
	"context"
	"log/slog"

	"github.com/hashicorp/go-hclog"
)

// newLogger brings raft's log to slog: what it calls information is for debugging.
func newLogger(log *slog.Logger) hclog.Logger {
	return hclog.New(&hclog.LoggerOptions{
		Name: "raft", Level: hclog.Info, DisableTime: true, Output: lines{log},
	})
}

type lines struct{ log *slog.Logger }

// Write takes one line of the form "[LEVEL] text".
func (l lines) Write(line []byte) (int, error) {
	level := slog.LevelDebug
	switch {
	case normal(line):
	case bytes.HasPrefix(line, []byte("[ERROR]")):
		level = slog.LevelError
	case bytes.HasPrefix(line, []byte("[WARN]")):
		level = slog.LevelWarn
	}
	_, text, _ := bytes.Cut(line, []byte("]"))
	l.log.Log(context.Background(), level, "raft", "text", string(bytes.TrimSpace(text)))
	return len(line), nil
}

// everyday begins what raft calls an error or a warning and what belongs to every
// start, stop, join or absence of a member. Who is away is for Status to say.
var everyday = []string{
	"heartbeat timeout reached, starting election", "no known peers, aborting election", "not part of stable configuration",
	"failed to accept connection", "failed to decode incoming command", "failed to flush response",
	"failed to appendEntries to", "failed to heartbeat to", "failed to contact", "failed to install snapshot to",
	"failed to make requestVote RPC", "failed to make requestPreVote RPC", "failed to pipeline appendEntries",
	"peer has newer term, stopping replication", "failed to get previous log", "previous log term mis-match", "appendEntries rejected, sending older logs",
	"Election timeout reached, restarting election", "rejecting vote request since", "rejecting pre-vote request since", "rejecting appendEntries request since node",
	"clearing log suffix", "skipping application of old log", "heartbeat timeout reached, not part of",
}

func normal(line []byte) bool {
	for _, text := range everyday {
		if bytes.Contains(line, []byte(text)) {
			return true
		}
	}
	return false
}
