package broker

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"
)

// logger brings the server's log to slog: notices are for debugging, warnings and
// errors stay what they are, and a fatal message ends the start and not the
// process.
type logger struct {
	log   *slog.Logger
	fatal chan error

	mu   sync.Mutex
	last map[string]time.Time // of a notorious message
}

func newLogger(log *slog.Logger) *logger {
	return &logger{log: log, fatal: make(chan error, 1), last: map[string]time.Time{}}
}

// notorious are errors that come several times a second while another member is
// away or kept out. Once a minute is enough.
var notorious = []string{
	"TLS route handshake error",
	"Error trying to connect to route",
	"Error flushing",
}

func (l *logger) quiet(text string) bool {
	i := slices.IndexFunc(notorious, func(n string) bool { return strings.Contains(text, n) })
	if i < 0 {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if time.Since(l.last[notorious[i]]) < time.Minute {
		return true
	}
	l.last[notorious[i]] = time.Now()
	return false
}

// normal are warnings of every start and stop of a group of one.
var normal = []string{
	"Plaintext passwords detected",
	"Waiting for routing to be established",
	"JetStream has not established contact with a meta leader",
	"Stream state outdated", // after a kill: rebuilt from the blocks
	"Recovering stream state from index errored",
	"Metalayer blocking snapshot", // of a stop
}

func (l *logger) Noticef(format string, v ...any) {
	l.log.Debug("nats", "text", fmt.Sprintf(format, v...))
}
func (l *logger) Debugf(format string, v ...any) {
	l.log.Debug("nats", "text", fmt.Sprintf(format, v...))
}
func (l *logger) Tracef(string, ...any) {}

func (l *logger) Warnf(format string, v ...any) {
	text := fmt.Sprintf(format, v...)
	if slices.ContainsFunc(normal, func(n string) bool { return strings.Contains(text, n) }) {
		l.log.Debug("nats", "text", text)
		return
	}
	l.log.Warn("nats", "text", text)
}

func (l *logger) Errorf(format string, v ...any) {
	text := fmt.Sprintf(format, v...)
	if l.quiet(text) {
		l.log.Debug("nats", "text", text)
		return
	}
	l.log.Error("nats", "text", text)
}

func (l *logger) Fatalf(format string, v ...any) {
	err := fmt.Errorf("nats: "+format, v...)
	l.log.Error("nats", "text", err.Error())
	select {
	case l.fatal <- err:
	default: // the first one is the cause
	}
}
