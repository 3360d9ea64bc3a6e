package queue_test

const (
	childDir  = "RECTO_TEST_CHILD_DIR"
	childRole = "RECTO_TEST_CHILD_ROLE"
)

func child(dir, role string) {}
