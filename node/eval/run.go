package eval

import (
	"context"
	"sync"
	"time"

	"github.com/recto-edge/recto/node/doc"
)

// Answer is what reading one document gives.
type Answer struct {
	Result  doc.Result
	Reading doc.Reading
	Truth   *doc.Reading // the words that really stand there, when they are known
}

// Read reads one document and gives what was found on it. It is called from
// several goroutines at once when RunOptions say so.
type Read func(ctx context.Context, c Case) (Answer, error)

// Outcome is what reading one case gave.
type Outcome struct {
	ID string
	Answer
	Err     error // why the document could not be read
	Seconds float64

	Fold  int  // of a cross-validation, 1 for the first; 0: there was none
	Known bool // with Fold: its vendor was among the cases that trained
}

// RunOptions say how cases are read. The zero value reads one after the other.
type RunOptions struct {
	Workers int // cases read at the same time; 0 means one
	// Progress is told of each case that was read, in the order of cases and from
	// one goroutine; may be nil.
	Progress func(id string, done, total int)
}

// Run reads all cases that have a document and gives the outcomes in the order of
// cases. It stops early only when ctx ends.
func Run(ctx context.Context, cases []Case, read Read, o RunOptions) []Outcome {
	cases = withDocument(cases)
	answers := make([]chan Outcome, len(cases))
	for i := range answers {
		answers[i] = make(chan Outcome, 1)
	}
	next := make(chan int, len(cases))
	for i := range cases {
		next <- i
	}
	close(next)
	var workers sync.WaitGroup
	defer workers.Wait()
	for range max(1, o.Workers) {
		workers.Go(func() {
			for i := range next {
				if ctx.Err() != nil {
					close(answers[i])
					continue
				}
				start := time.Now()
				a, err := read(ctx, cases[i])
				answers[i] <- Outcome{ID: cases[i].ID, Answer: a, Err: err, Seconds: time.Since(start).Seconds()}
			}
		})
	}
	var out []Outcome
	for i := range cases {
		a, ok := <-answers[i]
		if !ok {
			return out
		}
		out = append(out, a)
		if o.Progress != nil {
			o.Progress(a.ID, len(out), len(cases))
		}
	}
	return out
}

func withDocument(cases []Case) []Case {
	var out []Case
	for _, c := range cases {
		if c.Path != "" {
			out = append(out, c)
		}
	}
	return out
}
