package doc

import "slices"

// State is where a document stands. The set is closed.
type State string

// The states, each with who moves a document out of it.
const (
	// StateReceived: bytes and intake record are durable and the sender has been
	// answered, but the log has not heard of it yet. Intake or its sweeper moves on.
	StateReceived State = "received"
	// StateQueued: in the log, waits for a worker, who moves it on.
	StateQueued State = "queued"
	// StateReading: a worker reads it and moves it on; after a crash it is redelivered.
	StateReading State = "reading"
	// StateReview: read, but some field is not sure enough; a person moves it on.
	StateReview State = "review"
	// StateDone: read and complete. A request to read it again moves it on.
	StateDone State = "done"
	// StateHeld: waits for a window, a budget, a password or a policy decision.
	StateHeld State = "held"
	// StateFailed: attempts used up or unreadable, with the reason. A retry moves it on.
	StateFailed State = "failed"
	// StateErased: a tombstone. Nothing moves on.
	StateErased State = "erased"
)

// States lists all states in the order of a document's life.
var States = []State{StateReceived, StateQueued, StateReading, StateHeld, StateReview, StateDone, StateFailed, StateErased}

// transitions is the whole table: from, then the states it may become. StateReading
// to StateReading is a redelivered attempt.
var transitions = map[State][]State{
	StateReceived: {StateQueued, StateErased},
	StateQueued:   {StateReading, StateHeld, StateFailed, StateErased},
	StateReading:  {StateReading, StateQueued, StateReview, StateDone, StateHeld, StateFailed, StateErased},
	StateHeld:     {StateQueued, StateFailed, StateErased},
	StateReview:   {StateDone, StateReview, StateQueued, StateErased},
	StateDone:     {StateQueued, StateReview, StateDone, StateErased},
	StateFailed:   {StateQueued, StateErased},
}

// CanMove says whether the transition table has an edge from one state to another.
func CanMove(from, to State) bool { return slices.Contains(transitions[from], to) }

// Settled says whether nothing will happen to a document in s by itself.
func (s State) Settled() bool {
	return s == StateReview || s == StateDone || s == StateHeld || s == StateFailed || s == StateErased
}
