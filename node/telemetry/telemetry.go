// Package telemetry sets up what is seen of a node from outside: the logger and
// the metrics. It owns no global state: loggers, registries and metrics are made
// here and handed in. It never sees document content.
package telemetry

import (
	"io"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// NewLogger makes a structured logger that writes to w in format "text" or
// "json" at level debug, info, warn or error; anything else means text and info.
func NewLogger(w io.Writer, format, level string) *slog.Logger {
	var lv slog.Level
	if err := lv.UnmarshalText([]byte(level)); err != nil {
		lv = slog.LevelInfo
	}
	opts := &slog.HandlerOptions{Level: lv}
	if format == "json" {
		return slog.New(slog.NewJSONHandler(w, opts))
	}
	return slog.New(slog.NewTextHandler(w, opts))
}

// Metrics are the counters of one node.
type Metrics struct {
	Registry *prometheus.Registry

	documents *prometheus.CounterVec
	arrivals  *prometheus.CounterVec
	stage     *prometheus.HistogramVec
	pages     prometheus.Counter
}

// Gauges are read each time metrics are asked for.
type Gauges struct {
	QueueDepth  func() map[string]float64 // waiting documents by priority
	CacheHits   func() float64
	CacheMisses func() float64
	ByState     func() map[string]float64 // documents by state
}

// NewMetrics makes a registry with the process's own metrics and Recto's.
func NewMetrics() *Metrics {
	m := &Metrics{
		Registry: prometheus.NewRegistry(),
		documents: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "recto_documents_total", Help: "Documents read, by outcome and type.",
		}, []string{"outcome", "type"}),
		arrivals: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "recto_arrivals_total", Help: "Deliveries acknowledged, by channel and whether the bytes were new.",
		}, []string{"channel", "duplicate"}),
		stage: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "recto_reading_seconds", Help: "Time spent reading a document, by stage.",
			Buckets: prometheus.ExponentialBuckets(0.005, 2.5, 10),
		}, []string{"stage"}),
		pages: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "recto_pages_total", Help: "Pages read.",
		}),
	}
	m.Registry.MustRegister(m.documents, m.arrivals, m.stage, m.pages,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Settled counts a document that reached an outcome (a state's name) with pages pages.
func (m *Metrics) Settled(outcome, docType string, pages int) {
	m.documents.WithLabelValues(outcome, docType).Inc()
	m.pages.Add(float64(pages))
}

// Arrived counts an acknowledged delivery.
func (m *Metrics) Arrived(channel string, duplicate bool) {
	dup := "no"
	if duplicate {
		dup = "yes"
	}
	m.arrivals.WithLabelValues(channel, dup).Inc()
}

// Stage records the time one stage of reading took.
func (m *Metrics) Stage(stage string, d time.Duration) {
	m.stage.WithLabelValues(stage).Observe(d.Seconds())
}

// Watch registers gauges read from their owners at each scrape.
func (m *Metrics) Watch(g Gauges) {
	m.Registry.MustRegister(&labelled{
		desc: prometheus.NewDesc("recto_queue_depth", "Documents that wait to be read, by priority.", []string{"priority"}, nil), read: g.QueueDepth,
	}, &labelled{
		desc: prometheus.NewDesc("recto_documents", "Documents by state.", []string{"state"}, nil), read: g.ByState,
	}, prometheus.NewCounterFunc(prometheus.CounterOpts{
		Name: "recto_cache_hits_total", Help: "Answers found in the cache.",
	}, g.CacheHits), prometheus.NewCounterFunc(prometheus.CounterOpts{
		Name: "recto_cache_misses_total", Help: "Answers not found in the cache.",
	}, g.CacheMisses))
}

// labelled is a collector of one gauge with one label.
type labelled struct {
	desc *prometheus.Desc
	read func() map[string]float64
}

// Describe implements prometheus.Collector.
func (l *labelled) Describe(ch chan<- *prometheus.Desc) { ch <- l.desc }

// Collect implements prometheus.Collector.
func (l *labelled) Collect(ch chan<- prometheus.Metric) {
	for label, v := range l.read() {
		ch <- prometheus.MustNewConstMetric(l.desc, prometheus.GaugeValue, v, label)
	}
}
