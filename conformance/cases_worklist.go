package conformance

import (
	"net/http"
	"strings"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/internal/dicomtest"
)

// workitem makes the data set of a UPS Push SOP instance (PS3.4 Table CC.2.5-3) with the label of the run.
func (t *T) workitem(label string, change ...func(*dicom.DataSet)) []byte {
	ds := &dicom.DataSet{}
	ds.SetStrings(dicom.ScheduledProcedureStepPriority, dicom.CS, "MEDIUM")
	ds.SetStrings(dicom.ProcedureStepLabel, dicom.LO, label)
	ds.SetStrings(dicom.WorklistLabel, dicom.LO, "CONFORMANCE "+t.data.run)
	ds.SetStrings(dicom.ScheduledProcedureStepStartDateTime, dicom.DT, "20300102030405")
	ds.SetStrings(dicom.InputReadinessState, dicom.CS, "READY")
	ds.SetStrings(dicom.ProcedureStepState, dicom.CS, "SCHEDULED")
	ds.SetStrings(dicom.PatientName, dicom.PN, "Conform"+t.data.run+"^Workitem")
	ds.SetStrings(dicom.PatientID, dicom.LO, "CF-"+t.data.run+"-W")
	ds.SetStrings(dicom.PatientBirthDate, dicom.DA)
	ds.SetStrings(dicom.PatientSex, dicom.CS)
	ds.SetStrings(dicom.AdmissionID, dicom.LO)
	ds.SetItems(dicom.IssuerOfAdmissionIDSequence)
	ds.SetStrings(dicom.AdmittingDiagnosesDescription, dicom.LO)
	ds.SetItems(dicom.AdmittingDiagnosesCodeSequence)
	for _, tag := range []dicom.Tag{
		dicom.ScheduledStationNameCodeSequence, dicom.ScheduledStationClassCodeSequence, dicom.ScheduledStationGeographicLocationCodeSequence,
		dicom.ScheduledProcessingParametersSequence, dicom.ScheduledWorkitemCodeSequence, dicom.InputInformationSequence,
		dicom.ReferencedRequestSequence, dicom.UnifiedProcedureStepPerformedProcedureSequence,
	} {
		ds.SetItems(tag)
	}
	ds.SetStrings(dicom.Tag(0x00404041), dicom.CS, "READY")
	for _, c := range change {
		c(ds)
	}
	return t.json(ds)
}

func (t *T) json(ds *dicom.DataSet) []byte {
	body, err := ds.MarshalJSON()
	if err != nil {
		t.skip("the suite cannot make its data set: %v", err)
	}
	return body
}

// uid is a UID of this run that the suite may give away.
func (t *T) uid(name string) string { return string(dicomtest.UID("conformance", t.data.run, name)) }

// created makes a workitem and returns its path.
func (t *T) created(name string) string {
	uid := t.uid(name)
	t.send(http.MethodPost, "/workitems?"+uid, t.workitem(name), contentTypeJSON, acceptJSON).status(201)
	return "/workitems/" + uid
}

// state asks for a state; transaction "" leaves the Transaction UID out.
func (t *T) state(path, state, transaction string) *answer {
	ds := &dicom.DataSet{}
	if transaction != "" {
		ds.SetStrings(dicom.TransactionUID, dicom.UI, transaction)
	}
	ds.SetStrings(dicom.ProcedureStepState, dicom.CS, state)
	return t.send(http.MethodPut, path+"/state", t.json(ds), contentTypeJSON, acceptJSON)
}

// claimed makes a workitem and claims it; it returns its path and the Transaction UID.
func (t *T) claimed(name string) (path, transaction string) {
	path, transaction = t.created(name), t.uid(name+" transaction")
	t.state(path, "IN PROGRESS", transaction).status(200)
	return path, transaction
}

// performed is what a completed workitem needs (PS3.4 Table CC.2.5-3, final state).
func (t *T) performed() []byte {
	code := &dicom.DataSet{}
	code.SetStrings(dicom.CodeValue, dicom.SH, "110001")
	code.SetStrings(dicom.CodingSchemeDesignator, dicom.SH, "DCM")
	code.SetStrings(dicom.CodeMeaning, dicom.LO, "Image Processing")
	procedure := &dicom.DataSet{}
	procedure.SetItems(dicom.PerformedStationNameCodeSequence, code)
	procedure.SetItems(dicom.PerformedWorkitemCodeSequence, code)
	procedure.SetStrings(dicom.PerformedProcedureStepStartDateTime, dicom.DT, "20300102030405")
	procedure.SetStrings(dicom.PerformedProcedureStepEndDateTime, dicom.DT, "20300102040405")
	procedure.SetItems(dicom.OutputInformationSequence)
	ds := &dicom.DataSet{}
	ds.SetItems(dicom.UnifiedProcedureStepPerformedProcedureSequence, procedure)
	return t.json(ds)
}

// completed makes a workitem and completes it.
func (t *T) completed(name string) (path, transaction string) {
	path, transaction = t.claimed(name)
	t.send(http.MethodPost, path+"?"+transaction, t.performed(), contentTypeJSON, acceptJSON).status(200)
	t.state(path, "COMPLETED", transaction).status(200)
	return path, transaction
}

func (t *T) wantState(path, state string) {
	if got := t.retrieved(path).text("00741000"); got != state {
		t.failGot("(0074,1000) "+got, "(0074,1000) %s", state)
	}
}

// retrieved returns a workitem, whether it comes as an object or as an array of one.
func (t *T) retrieved(path string) object {
	a := t.get(path, acceptJSON).status(200)
	if len(a.body) > 0 && a.body[0] == '[' {
		if found := a.objects(); len(found) == 1 {
			return found[0]
		}
		t.fail("one object")
	}
	return a.object()
}

// workitemCases are PS3.18 chapter 11.
func workitemCases() []Case {
	cases := []Case{
		writes("create.201", "PS3.18 11.4.3.1", Shall, "a workitem is created: 201", func(t *T) { t.created("create") }),
		writes("create.location", "PS3.18 11.4.3.2", Shall, "Location or Content-Location leads to the workitem", func(t *T) {
			uid := t.uid("location")
			a := t.send(http.MethodPost, "/workitems?"+uid, t.workitem("location"), contentTypeJSON, acceptJSON).status(201)
			at := a.header.Get("Content-Location") + a.header.Get("Location")
			if !strings.Contains(at, "/workitems/"+uid) {
				t.fail("Content-Location or Location: …/workitems/%s", uid)
			}
		}),
		writes("create.uid-in-data-set", "PS3.18 11.4.1.2", Shall, "the UID may be in the data set: Affected SOP Instance UID", func(t *T) {
			uid := t.uid("inside")
			body := t.workitem("inside", func(ds *dicom.DataSet) { ds.SetStrings(dicom.SOPInstanceUID, dicom.UI, uid) })
			t.send(http.MethodPost, "/workitems", body, contentTypeJSON, acceptJSON).status(201)
			t.get("/workitems/"+uid, acceptJSON).status(200)
		}),
		writes("create.uid-as-parameter", "PS3.18 11.4.1.2", Practice, "the UID may be written workitem=UID, as clients do", func(t *T) {
			uid := t.uid("named")
			t.send(http.MethodPost, "/workitems?workitem="+uid, t.workitem("named"), contentTypeJSON, acceptJSON).status(201)
			t.get("/workitems/"+uid, acceptJSON).status(200)
		}),
		writes("create.array", "PS3.18 11.4.1.4", Practice, "the data set may come in an array of one", func(t *T) {
			body := append(append([]byte("["), t.workitem("array")...), ']')
			t.send(http.MethodPost, "/workitems?"+t.uid("array"), body, contentTypeJSON, acceptJSON).status(201)
		}),
		writes("create.xml", "PS3.18 11.1.3", Shall, "the data set may come as application/dicom+xml", func(t *T) {
			ds := &dicom.DataSet{}
			if err := ds.UnmarshalJSON(t.workitem("xml")); err != nil {
				t.skip("%v", err)
			}
			body, err := ds.AppendXML(nil)
			if err != nil {
				t.skip("%v", err)
			}
			t.send(http.MethodPost, "/workitems?"+t.uid("xml"), body, "Content-Type: "+dicomXML, acceptJSON).status(201)
		}),
		writes("create.exists", "PS3.18 11.4.3.1", Shall, "a UID that is taken is answered 409", func(t *T) {
			t.created("exists")
			t.send(http.MethodPost, "/workitems?"+t.uid("exists"), t.workitem("exists"), contentTypeJSON, acceptJSON).status(409)
		}),
		writes("create.state", "PS3.18 11.4.2", Shall, "a workitem is created SCHEDULED, or not at all", func(t *T) {
			body := t.workitem("state", func(ds *dicom.DataSet) { ds.SetStrings(dicom.ProcedureStepState, dicom.CS, "IN PROGRESS") })
			t.send(http.MethodPost, "/workitems?"+t.uid("state"), body, contentTypeJSON, acceptJSON).status(400, 409)
		}),
		writes("create.bad-uid", "PS3.18 11.4.3.1", Shall, "a UID that is none is answered 400", func(t *T) {
			t.send(http.MethodPost, "/workitems?1.2.x", t.workitem("bad"), contentTypeJSON, acceptJSON).status(400)
		}),
		writes("create.not-json", "PS3.18 11.4.3.1", Shall, "a body that is no data set is answered 400", func(t *T) {
			t.send(http.MethodPost, "/workitems?"+t.uid("not json"), []byte("{"), contentTypeJSON, acceptJSON).status(400)
		}),
		writes("create.content-type", "PS3.18 8.5", Shall, "a body of another type is answered 415", func(t *T) {
			t.send(http.MethodPost, "/workitems?"+t.uid("type"), []byte("x"), "Content-Type: text/x-unknown", acceptJSON).status(415, 400)
		}),
		writes("create.no-label", "PS3.18 11.4.2", Shall, "a type 1 attribute that is missing is answered 400, or filled in with the Warning", func(t *T) {
			body := t.workitem("no label", func(ds *dicom.DataSet) { ds.Delete(dicom.ProcedureStepLabel) })
			a := t.send(http.MethodPost, "/workitems?"+t.uid("no label"), body, contentTypeJSON, acceptJSON).status(400, 409, 201)
			if a.code == 201 {
				a.warns("The Workitem was created with modifications.")
			}
		}),

		writes("retrieve.200", "PS3.18 11.5.3.1", Shall, "a workitem is retrieved", func(t *T) {
			o := t.retrieved(t.created("retrieve"))
			t.wantValue(o, "00741204", "retrieve")
			t.wantValue(o, "00741000", "SCHEDULED")
		}),
		writes("retrieve.xml", "PS3.18 11.1.3", Shall, "a workitem is retrieved as XML", func(t *T) {
			a := t.get(t.created("retrieve xml"), "Accept: "+dicomXML+", "+`multipart/related; type="application/dicom+xml"`).status(200)
			if m := typeOf(a); m != dicomXML && m != "multipart/related" {
				t.fail("Content-Type: %s", dicomXML)
			}
		}),
		reads("retrieve.404", "PS3.18 11.5.3.1", Shall, "a workitem that does not exist is answered 404", func(t *T) {
			t.get("/workitems/"+unknownUID, acceptJSON).status(404, 410)
		}),
		writes("retrieve.no-lock", "PS3.18 11.5.2", Shall, "the Transaction UID is never shown", func(t *T) {
			path, transaction := t.claimed("hidden")
			a := t.get(path, acceptJSON).status(200)
			if strings.Contains(string(a.body), transaction) {
				t.fail("no Transaction UID (0008,1195)")
			}
		}),

		writes("update.scheduled", "PS3.18 11.6.3.1", Shall, "a scheduled workitem is updated without a Transaction UID", func(t *T) {
			path := t.created("update")
			t.send(http.MethodPost, path, t.json(label("updated")), contentTypeJSON, acceptJSON).status(200)
			t.wantValue(t.retrieved(path), "00741204", "updated")
		}),
		writes("update.claimed", "PS3.18 11.6.3.1", Shall, "a claimed workitem is updated with its Transaction UID", func(t *T) {
			path, transaction := t.claimed("update claimed")
			t.send(http.MethodPost, path+"?"+transaction, t.json(label("updated")), contentTypeJSON, acceptJSON).status(200)
			t.wantValue(t.retrieved(path), "00741204", "updated")
		}),
		writes("update.claimed-parameter", "PS3.18 11.6.1.2", Practice, "the Transaction UID may be written transaction-uid=UID", func(t *T) {
			path, transaction := t.claimed("update named")
			t.send(http.MethodPost, path+"?transaction-uid="+transaction, t.json(label("updated")), contentTypeJSON, acceptJSON).status(200)
		}),
		writes("update.no-lock", "PS3.18 11.6.3.1", Shall, "a claimed workitem is not updated without its Transaction UID: 400", func(t *T) {
			path, _ := t.claimed("update unlocked")
			a := t.send(http.MethodPost, path, t.json(label("stolen")), contentTypeJSON, acceptJSON).status(400)
			a.warns("The Transaction UID is missing.")
		}),
		writes("update.wrong-lock", "PS3.18 11.6.3.1", Shall, "a claimed workitem is not updated with another Transaction UID: 400", func(t *T) {
			path, _ := t.claimed("update wrong")
			a := t.send(http.MethodPost, path+"?"+t.uid("wrong"), t.json(label("stolen")), contentTypeJSON, acceptJSON).status(400)
			a.warns("The Transaction UID is incorrect.")
		}),
		writes("update.state", "PS3.18 11.6.2", Shall, "Update does not change the state", func(t *T) {
			path := t.created("update state")
			ds := &dicom.DataSet{}
			ds.SetStrings(dicom.ProcedureStepState, dicom.CS, "COMPLETED")
			t.send(http.MethodPost, path, t.json(ds), contentTypeJSON, acceptJSON)
			t.wantState(path, "SCHEDULED")
		}),
		writes("update.final", "PS3.18 11.6.3.1", Shall, "a completed workitem is not updated: 400", func(t *T) {
			path, transaction := t.completed("update final")
			t.send(http.MethodPost, path+"?"+transaction, t.json(label("late")), contentTypeJSON, acceptJSON).status(400, 409)
		}),
		writes("update.404", "PS3.18 11.6.3.1", Shall, "a workitem that does not exist is answered 404", func(t *T) {
			t.send(http.MethodPost, "/workitems/"+unknownUID, t.json(label("x")), contentTypeJSON, acceptJSON).status(404, 410)
		}),

		writes("state.claim", "PS3.18 11.7.3.1", Shall, "SCHEDULED to IN PROGRESS", func(t *T) {
			path, _ := t.claimed("claim")
			t.wantState(path, "IN PROGRESS")
		}),
		writes("state.claim-twice", "PS3.18 11.7.3.1", Shall, "a workitem that is claimed is not claimed by another: 400 or 409", func(t *T) {
			path, _ := t.claimed("claim twice")
			t.state(path, "IN PROGRESS", t.uid("rival")).status(400, 409)
		}),
		writes("state.claim-no-lock", "PS3.18 11.7.3.1", Shall, "claiming needs a Transaction UID: 400", func(t *T) {
			t.state(t.created("claim no lock"), "IN PROGRESS", "").status(400)
		}),
		writes("state.complete", "PS3.18 11.7.3.1", Shall, "IN PROGRESS to COMPLETED, when the final state requirements are met", func(t *T) {
			path, _ := t.completed("complete")
			t.wantState(path, "COMPLETED")
		}),
		writes("state.complete-incomplete", "PS3.4 CC.2.1.3", Shall, "COMPLETED is refused while final state requirements are not met", func(t *T) {
			path, transaction := t.claimed("incomplete")
			t.state(path, "COMPLETED", transaction).status(400, 409)
			t.wantState(path, "IN PROGRESS")
		}),
		writes("state.complete-scheduled", "PS3.4 CC.1.1", Shall, "SCHEDULED to COMPLETED is refused", func(t *T) {
			path := t.created("skip")
			t.state(path, "COMPLETED", t.uid("skip transaction")).status(400, 409)
			t.wantState(path, "SCHEDULED")
		}),
		writes("state.complete-wrong-lock", "PS3.4 CC.1.1", Shall, "IN PROGRESS to COMPLETED needs the lock", func(t *T) {
			path, _ := t.claimed("complete wrong")
			t.state(path, "COMPLETED", t.uid("someone else")).status(400, 409)
			t.wantState(path, "IN PROGRESS")
		}),
		writes("state.complete-twice", "PS3.18 11.7.3.2", Shall, "COMPLETED again is told by the Warning", func(t *T) {
			path, transaction := t.completed("complete twice")
			a := t.state(path, "COMPLETED", transaction).status(200, 400, 409)
			if a.code == 200 {
				a.warns("The UPS is already in the requested state of COMPLETED.")
			}
		}),
		writes("state.cancel", "PS3.4 CC.1.1", Shall, "IN PROGRESS to CANCELED, by the performer", func(t *T) {
			path, transaction := t.claimed("cancel")
			t.send(http.MethodPost, path+"?"+transaction, t.performed(), contentTypeJSON, acceptJSON).status(200)
			t.state(path, "CANCELED", transaction).status(200)
			t.wantState(path, "CANCELED")
		}),
		writes("state.reopen", "PS3.4 CC.1.1", Shall, "COMPLETED to IN PROGRESS is refused", func(t *T) {
			path, transaction := t.completed("reopen")
			t.state(path, "IN PROGRESS", transaction).status(400, 409)
			t.wantState(path, "COMPLETED")
		}),
		writes("state.back", "PS3.4 CC.1.1", Shall, "SCHEDULED is no state that anything changes to", func(t *T) {
			path, transaction := t.claimed("back")
			t.state(path, "SCHEDULED", transaction).status(400, 409)
			t.wantState(path, "IN PROGRESS")
		}),
		writes("state.unknown", "PS3.18 11.7.3.1", Shall, "a state that does not exist is answered 400", func(t *T) {
			t.state(t.created("unknown state"), "RESTING", t.uid("x")).status(400)
		}),
		writes("state.404", "PS3.18 11.7.3.1", Shall, "a workitem that does not exist is answered 404", func(t *T) {
			t.state("/workitems/"+unknownUID, "IN PROGRESS", t.uid("x")).status(404, 410)
		}),

		writes("cancel.scheduled", "PS3.18 11.8.3.1", Shall, "a cancellation request for a scheduled workitem is accepted: 202", func(t *T) {
			path := t.created("cancel request")
			t.send(http.MethodPost, path+"/cancelrequest", nil, acceptJSON).status(202)
			t.wantState(path, "CANCELED")
		}),
		writes("cancel.reason", "PS3.18 11.8.1.4", Shall, "a cancellation request may say why", func(t *T) {
			ds := &dicom.DataSet{}
			ds.SetStrings(dicom.ReasonForCancellation, dicom.LT, "conformance")
			path := t.created("cancel reason")
			t.send(http.MethodPost, path+"/cancelrequest", t.json(ds), contentTypeJSON, acceptJSON).status(202)
		}),
		writes("cancel.in-progress", "PS3.18 11.8.2", Shall, "a cancellation request for a claimed workitem is passed on, or refused; the state stays", func(t *T) {
			path, _ := t.claimed("cancel claimed")
			t.send(http.MethodPost, path+"/cancelrequest", nil, acceptJSON).status(202, 409)
			t.wantState(path, "IN PROGRESS")
		}),
		writes("cancel.completed", "PS3.18 11.8.3.1", Shall, "a cancellation request for a completed workitem is answered 409", func(t *T) {
			path, _ := t.completed("cancel completed")
			t.send(http.MethodPost, path+"/cancelrequest", nil, acceptJSON).status(409)
		}),
		writes("cancel.404", "PS3.18 11.8.3.1", Shall, "a workitem that does not exist is answered 404", func(t *T) {
			t.send(http.MethodPost, "/workitems/"+unknownUID+"/cancelrequest", nil, acceptJSON).status(404, 410)
		}),
	}
	return of(Worklist, append(cases, worklistSearchCases()...)...)
}

func label(text string) *dicom.DataSet {
	ds := &dicom.DataSet{}
	ds.SetStrings(dicom.ProcedureStepLabel, dicom.LO, text)
	return ds
}

func worklistSearchCases() []Case {
	mine := func(t *T) string { return "WorklistLabel=CONFORMANCE%20" + t.data.run }
	find := func(id, gist, keys string, want bool) Case {
		return writes("search."+id, "PS3.18 11.9.2", Shall, gist, func(t *T) {
			path := t.created("search " + id)
			uid := strings.TrimPrefix(path, "/workitems/")
			keys := strings.NewReplacer("RUN", t.data.run).Replace(keys)
			a := t.get("/workitems?"+mine(t)+"&ProcedureStepLabel="+query("search "+id)+"&"+keys, acceptJSON).status(200, 204, 206)
			var uids []string
			if want {
				uids = []string{uid}
			}
			a.wantUIDs("00080018", uids...)
		})
	}
	return []Case{
		find("state", "by state", "ProcedureStepState=SCHEDULED", true),
		find("other-state", "by another state", "ProcedureStepState=COMPLETED", false),
		find("tag", "by a tag", "00741000=SCHEDULED", true),
		find("date", "by a range of the scheduled time", "ScheduledProcedureStepStartDateTime=20300102-20300103", true),
		find("other-date", "by a range that it does not lie in", "ScheduledProcedureStepStartDateTime=20310102-20310103", false),
		find("patient", "by Patient ID", "PatientID=CF-RUN-W", true),
		find("name", "by a pattern of the patient's name", "PatientName=ConformRUN*", true),
		find("priority", "by priority", "ScheduledProcedureStepPriority=MEDIUM", true),
		find("readiness", "by input readiness", "InputReadinessState=READY", true),
		writes("search.none", "PS3.18 11.9.3.1", Shall, "no result: 204", func(t *T) {
			t.get("/workitems?ProcedureStepLabel=no%20such%20label%20"+t.data.run, acceptJSON).status(204).empty()
		}),
		writes("search.limit", "PS3.18 11.9.2", Shall, "limit bounds the results", func(t *T) {
			t.created("limit 1")
			t.created("limit 2")
			if n := len(t.get("/workitems?limit=1&"+mine(t), acceptJSON).status(200, 206).objects()); n != 1 {
				t.fail("one result")
			}
		}),
		writes("search.xml", "PS3.18 11.1.3", Shall, "results come as multipart application/dicom+xml", func(t *T) {
			t.created("search as xml")
			t.get("/workitems?"+mine(t), acceptXMLs).status(200, 206).parts(dicomXML)
		}),
		writes("search.no-lock", "PS3.18 11.9.2", Shall, "the Transaction UID is never shown", func(t *T) {
			_, transaction := t.claimed("search hidden")
			if a := t.get("/workitems?includefield=all&"+mine(t), acceptJSON).status(200, 206); strings.Contains(string(a.body), transaction) {
				t.fail("no Transaction UID (0008,1195)")
			}
		}),
		reads("search.invalid", "PS3.18 8.3", Shall, "an invalid parameter is answered 400", func(t *T) {
			t.get("/workitems?limit=x", acceptJSON).status(400)
		}),
	}
}
