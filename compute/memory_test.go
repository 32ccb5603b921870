package compute

import "testing"

func TestMemoryOfTheMachine(t *testing.T) {
	for text, want := range map[string]int64{
		"MemTotal:        8033000 kB\nMemFree: 1 kB\n": 8033000 * 1024,
		"MemFree: 1 kB\n":     0,
		"MemTotal: many kB\n": 0,
		"":                    0,
	} {
		if got := memTotal([]byte(text)); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
	if MachineMemory() <= 0 {
		t.Error("this machine has no memory")
	}
}
