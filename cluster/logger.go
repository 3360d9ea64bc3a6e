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
	case bytes.HasPrefix(line, []byte("[ERROR]")):
		level = slog.LevelError
	case bytes.HasPrefix(line, []byte("[WARN]")) && !normal(line):
		level = slog.LevelWarn
	}
	_, text, _ := bytes.Cut(line, []byte("]"))
	l.log.Log(context.Background(), level, "raft", "text", string(bytes.TrimSpace(text)))
	return len(line), nil
}

// normal says whether a warning belongs to every start of a cluster of one.
func normal(line []byte) bool {
	return bytes.Contains(line, []byte("heartbeat timeout reached, starting election"))
}
