package cache

import (
	"fmt"
	"testing"
	"time"

	"github.com/recto-edge/recto/node/doc"
)

// full gives document n as read: a receipt with twelve fields.
func full(b testing.TB, n int) doc.Record {
	var fields []doc.Field
	for i := range 12 {
		box := doc.Box{100, 100 + 40*i, 400, 130 + 40*i}
		fields = append(fields, doc.Field{
			Name: fmt.Sprintf("field_%d", i), Type: doc.Text, Value: fmt.Sprintf("Value %d of %d", i, n*7919%100_003), Raw: fmt.Sprintf("Value: %d of %d", i, n),
			Confidence: 0.9, Page: 1, Box: &box, Source: doc.FromOCR, Method: "label", Checks: []string{"found-on-page"},
		})
	}
	return done(b, record(n), noon.Add(time.Duration(n)*time.Second), fields...)
}

const many = 100_000

// filled gives an index of many documents that were read.
func filled(b *testing.B) *Index {
	b.Helper()
	x := openTest(b).Index()
	start := time.Now()
	var batch []Change
	for n := range many {
		batch = append(batch, Change{uint64(n + 1), full(b, n)})
		if len(batch) == 256 || n == many-1 {
			if err := x.ApplyAll(batch); err != nil {
				b.Fatal(err)
			}
			batch = batch[:0]
		}
	}
	size, err := x.db.Size()
	if err != nil {
		b.Fatal(err)
	}
	b.Logf("%d documents in batches of 256: %.0f a second, %d MiB", many, many/time.Since(start).Seconds(), size>>20)
	return x
}

func BenchmarkIndex(b *testing.B) {
	x := filled(b)
	n := many
	b.Run("Apply one", func(b *testing.B) {
		for b.Loop() {
			n++
			if err := x.Apply(uint64(n), full(b, n)); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("Get", func(b *testing.B) {
		i := 0
		for b.Loop() {
			i++
			if _, ok := x.Get(docID(i % many)); !ok {
				b.Fatal("not found")
			}
		}
	})
	for name, q := range map[string]doc.Query{
		"List newest": {}, "List by state": {State: doc.StateDone}, "List by channel": {Channel: "http"},
		"Search rare": {Text: "4711 value"}, "Search common": {Text: "value"}, "Search nothing": {Text: "nowhere"},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := x.List(q); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("Overview", func(b *testing.B) {
		for b.Loop() {
			if _, err := x.Overview(noon); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkValues(b *testing.B) {
	v := openTest(b).Values()
	result := full(b, 1).Result
	var reading doc.Reading
	page := doc.Page{Number: 1, Width: 1700, Height: 2200}
	for i := range 400 {
		page.Words = append(page.Words, doc.Word{Text: fmt.Sprintf("word%d", i*i), Box: doc.Box{i, i, i + 50, i + 20}, Confidence: 0.97, Line: i / 8})
	}
	reading.Pages = append(reading.Pages, page)
	b.Run("Put reading", func(b *testing.B) {
		i := 0
		for b.Loop() {
			i++
			if err := v.PutReading(fmt.Sprint(i%1000), reading); err != nil {
				b.Fatal(err)
			}
		}
	})
	if err := v.PutResult("r", *result); err != nil {
		b.Fatal(err)
	}
	if err := v.PutReading("1", reading); err != nil {
		b.Fatal(err)
	}
	b.Run("Reading hit", func(b *testing.B) {
		for b.Loop() {
			if _, ok := v.Reading("1"); !ok {
				b.Fatal("miss")
			}
		}
	})
	b.Run("Result hit", func(b *testing.B) {
		for b.Loop() {
			if _, ok := v.Result("r"); !ok {
				b.Fatal("miss")
			}
		}
	})
}
