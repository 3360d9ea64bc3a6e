package queue_test

import (
	"encoding/json"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// BenchmarkAppend is documents a second by the number of concurrent writers.
func BenchmarkAppend(b *testing.B) {
	for _, writers := range []int{1, 16, 128} {
		b.Run(fmt.Sprint("writers=", writers), func(b *testing.B) {
			q, _ := open(b, b.TempDir(), nil)
			spread(b, writers, func(i int) error {
				_, err := q.Append(b.Context(), record(i))
				return err
			})
		})
	}
}

// BenchmarkRawPublish is what JetStream does itself: one synchronous publication
// of the same bytes after the other, syncing always.
func BenchmarkRawPublish(b *testing.B) {
	for _, writers := range []int{1, 16, 128} {
		b.Run(fmt.Sprint("writers=", writers), func(b *testing.B) {
			br := openBroker(b, b.TempDir())
			user, password := br.Credentials()
			nc, err := nats.Connect("", nats.InProcessServer(br), nats.UserInfo(user, password))
			if err != nil {
				b.Fatal(err)
			}
			defer nc.Close()
			js, err := jetstream.New(nc)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := js.CreateStream(b.Context(), jetstream.StreamConfig{Name: "RAW", Subjects: []string{"raw.>"}}); err != nil {
				b.Fatal(err)
			}
			spread(b, writers, func(i int) error {
				rec := record(i)
				body, err := json.Marshal(rec)
				if err != nil {
					return err
				}
				_, err = js.Publish(b.Context(), "raw."+string(rec.ID), body)
				return err
			})
		})
	}
}

// spread runs do b.N times in all from several goroutines.
func spread(b *testing.B, writers int, do func(i int) error) {
	b.ResetTimer()
	var n atomic.Int64
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for i := n.Add(1); i <= int64(b.N); i = n.Add(1) {
				if err := do(int(i)); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "docs/s")
}
