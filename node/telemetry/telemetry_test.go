package telemetry_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/recto-edge/recto/node/telemetry"
)

func TestMetrics_TwoNodesInOneProcess(t *testing.T) {
	t.Parallel()
	for range 2 { // a second registry must not collide with the first
		m := telemetry.NewMetrics()
		m.Watch(telemetry.Gauges{
			QueueDepth:  func() map[string]float64 { return map[string]float64{"norm": 3} },
			ByState:     func() map[string]float64 { return map[string]float64{"done": 2} },
			CacheHits:   func() float64 { return 1 },
			CacheMisses: func() float64 { return 0 },
		})
		m.Settled("done", "receipt", 2)
		m.Arrived("http", true)
		m.Stage("ocr", time.Second)
		got, err := m.Registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		names := map[string]bool{}
		for _, f := range got {
			names[f.GetName()] = true
		}
		for _, want := range []string{"recto_documents_total", "recto_arrivals_total", "recto_reading_seconds", "recto_queue_depth", "recto_documents", "recto_cache_hits_total", "recto_pages_total"} {
			if !names[want] {
				t.Errorf("metric %s is missing", want)
			}
		}
	}
}

func TestNewLogger(t *testing.T) {
	t.Parallel()
	var buf bytes.Buffer
	log := telemetry.NewLogger(&buf, "json", "warn")
	log.Info("not this")
	log.Warn("this", slog.String("component", "test"))
	if got := buf.String(); strings.Contains(got, "not this") || !strings.Contains(got, `"component":"test"`) {
		t.Errorf("log: %s", got)
	}
}
