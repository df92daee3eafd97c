package worklist

import "fmt"

// State is Procedure Step State (0074,1000).
type State string

// The states of PS3.4 Table CC.1.1-1. The last two are final.
const (
	Scheduled  State = "SCHEDULED"
	InProgress State = "IN PROGRESS"
	Completed  State = "COMPLETED"
	Canceled   State = "CANCELED"
)

// Final reports whether nothing more happens in the state.
func (s State) Final() bool { return s == Completed || s == Canceled }

// Code is the status of an operation, as DIMSE has it.
type Code uint16

// The codes of PS3.4 Tables CC.2.1-2, CC.2.2-2, CC.2.3-3, CC.2.5-4 and CC.2.6-1, and those of PS3.7 Annex C that they are used with.
const (
	Success               Code = 0x0000
	OptionalNotSupported  Code = 0x0001 // warning
	InvalidValue          Code = 0x0106
	DuplicateInstance     Code = 0x0111
	MissingAttribute      Code = 0x0120
	CreatedModified       Code = 0xB300 // warning
	AlreadyCanceled       Code = 0xB304 // warning
	UpdatedModified       Code = 0xB305 // warning
	AlreadyCompleted      Code = 0xB306 // warning
	NoLongerUpdatable     Code = 0xC300
	WrongTransaction      Code = 0xC301
	AlreadyInProgress     Code = 0xC302
	OnlyCreatedScheduled  Code = 0xC303
	FinalStateUnmet       Code = 0xC304
	NoSuchWorkitem        Code = 0xC307
	NotCreatedScheduled   Code = 0xC309
	NotInProgress         Code = 0xC310
	CancelOfCompleted     Code = 0xC311
	PerformerNotContacted Code = 0xC312
	ActionNotAppropriate  Code = 0xC314
)

// Warning reports whether the code is that of an operation that was performed, but not quite as it was asked for.
func (c Code) Warning() bool { return c == OptionalNotSupported || c>>12 == 0xB }

// Refusal is the error of an operation that was not performed.
type Refusal struct {
	Code   Code
	Detail string // without patient data
	// Untransacted: there was no Transaction UID at all, which PS3.18 11.7.3.2 tells from a wrong one.
	Untransacted bool
	// Gone: there was such a workitem once.
	Gone bool
}

func (r *Refusal) Error() string { return fmt.Sprintf("%04X %s", uint16(r.Code), r.Detail) }

func refuse(code Code, format string, a ...any) error {
	return &Refusal{Code: code, Detail: fmt.Sprintf(format, a...)}
}

// event is a row of PS3.4 Table CC.1.1-2.
type event int

const (
	createWorkitem event = iota
	toInProgress
	toInProgressUnlocked // without the correct Transaction UID
	toScheduled
	toCompleted
	toCompletedUnlocked
	requestCancel
	toCanceled
	toCanceledUnlocked
)

// transition is a cell of the table.
type transition struct {
	code Code  // an error or a warning: nothing changes
	to   State // "" if code says why not
	// final: only if the requirements of the final state are met, else C304.
	final bool
	// report: whoever performs it is told that somebody wants it canceled.
	report bool
}

// column is the state of the workitem, "" for null: there is none.
type column = State

// transitions is PS3.4 Table CC.1.1-2. For a workitem that is SCHEDULED any Transaction UID is the correct one, because there is none.
var transitions = map[event]map[column]transition{
	createWorkitem: {
		"":        {to: Scheduled},
		Scheduled: {code: DuplicateInstance}, InProgress: {code: DuplicateInstance},
		Completed: {code: DuplicateInstance}, Canceled: {code: DuplicateInstance},
	},
	toInProgress: {
		"":        {code: NoSuchWorkitem},
		Scheduled: {to: InProgress}, InProgress: {code: AlreadyInProgress},
		Completed: {code: NoLongerUpdatable}, Canceled: {code: NoLongerUpdatable},
	},
	toInProgressUnlocked: {
		"":        {code: NoSuchWorkitem},
		Scheduled: {code: WrongTransaction}, InProgress: {code: WrongTransaction},
		Completed: {code: WrongTransaction}, Canceled: {code: WrongTransaction},
	},
	toScheduled: {
		"":        {code: NoSuchWorkitem},
		Scheduled: {code: OnlyCreatedScheduled}, InProgress: {code: OnlyCreatedScheduled},
		Completed: {code: OnlyCreatedScheduled}, Canceled: {code: OnlyCreatedScheduled},
	},
	toCompleted: {
		"":        {code: NoSuchWorkitem},
		Scheduled: {code: NotInProgress}, InProgress: {to: Completed, final: true},
		Completed: {code: AlreadyCompleted}, Canceled: {code: NoLongerUpdatable},
	},
	toCompletedUnlocked: {
		"":        {code: NoSuchWorkitem},
		Scheduled: {code: WrongTransaction}, InProgress: {code: WrongTransaction},
		Completed: {code: WrongTransaction}, Canceled: {code: WrongTransaction},
	},
	requestCancel: {
		"":        {code: NoSuchWorkitem},
		Scheduled: {to: Canceled}, InProgress: {report: true},
		Completed: {code: CancelOfCompleted}, Canceled: {code: AlreadyCanceled},
	},
	toCanceled: {
		"":        {code: NoSuchWorkitem},
		Scheduled: {code: NotInProgress}, InProgress: {to: Canceled, final: true},
		Completed: {code: NoLongerUpdatable}, Canceled: {code: AlreadyCanceled},
	},
	toCanceledUnlocked: {
		"":        {code: NoSuchWorkitem},
		Scheduled: {code: WrongTransaction}, InProgress: {code: WrongTransaction},
		Completed: {code: WrongTransaction}, Canceled: {code: WrongTransaction},
	},
}

// details are what a client is told about the codes of the table.
var details = map[Code]string{
	DuplicateInstance:    "there is a workitem with this UID",
	NoLongerUpdatable:    "the workitem is in a final state and may no longer be updated",
	WrongTransaction:     "the correct Transaction UID (0008,1195) was not provided",
	AlreadyInProgress:    "the workitem is already IN PROGRESS",
	OnlyCreatedScheduled: "a workitem becomes SCHEDULED only by being created",
	NotInProgress:        "the workitem is not yet IN PROGRESS",
	CancelOfCompleted:    "the workitem is already COMPLETED",
	NoSuchWorkitem:       "there is no such workitem",
}
