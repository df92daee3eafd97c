package conformance

import (
	"net/http"
	"strings"

	"github.com/noctis-dicom/noctis/dicom"
)

// scheduled makes a scheduled procedure step by the administrative resource that Noctis has; elsewhere the case is skipped, since
// the standard leaves open how steps come to be (PS3.18 14.3, note).
func (t *T) scheduled(name string) {
	step := &dicom.DataSet{}
	step.SetStrings(dicom.ScheduledStationAETitle, dicom.AE, "CF"+t.data.run)
	step.SetStrings(dicom.ScheduledProcedureStepStartDate, dicom.DA, "20300102")
	step.SetStrings(dicom.ScheduledProcedureStepStartTime, dicom.TM, "0930")
	step.SetStrings(dicom.Modality, dicom.CS, "CT")
	step.SetStrings(dicom.ScheduledPerformingPhysicianName, dicom.PN, "Performer^Pat")
	step.SetStrings(dicom.ScheduledProcedureStepDescription, dicom.LO, name)
	step.SetStrings(dicom.ScheduledProcedureStepID, dicom.SH, "S"+t.data.run)
	ds := &dicom.DataSet{}
	ds.SetStrings(dicom.SpecificCharacterSet, dicom.CS, "ISO_IR 192")
	ds.SetStrings(dicom.AccessionNumber, dicom.SH, "ACC"+t.data.run)
	ds.SetStrings(dicom.PatientName, dicom.PN, "Conform"+t.data.run+"^"+name)
	ds.SetStrings(dicom.PatientID, dicom.LO, "CF-"+t.data.run+"-"+name)
	ds.SetStrings(dicom.StudyInstanceUID, dicom.UI, t.uid("scheduled "+name))
	ds.SetStrings(dicom.RequestedProcedureID, dicom.SH, "RP"+name)
	ds.SetStrings(dicom.RequestedProcedureDescription, dicom.LO, "Conformance procedure")
	ds.SetItems(dicom.ScheduledProcedureStepSequence, step)
	a := t.send(http.MethodPost, "/modality-scheduled-procedure-steps", t.json(ds), contentTypeJSON, acceptJSON)
	if a.code >= 300 {
		t.skip("no scheduled procedure step can be made over the web: the server answers %d", a.code)
	}
}

// procedureCases are PS3.18 chapters 14 and 15 (Supplement 246).
func procedureCases() []Case {
	const steps = "/modality-scheduled-procedure-steps"
	find := func(id, gist, key string, want bool) Case {
		return writes("scheduled.search-"+id, "PS3.18 14.4.2", Shall, gist, func(t *T) {
			t.scheduled(id)
			query := strings.NewReplacer("RUN", t.data.run).Replace(key)
			a := t.get(steps+"?PatientID=CF-"+t.data.run+"-"+id+"&"+query, acceptJSON).status(200, 204)
			if found := a.code == 200 && len(a.objects()) == 1; found != want {
				t.fail("%s", map[bool]string{true: "one step", false: "204"}[want])
			}
		})
	}
	cases := []Case{
		reads("scheduled.search", "PS3.18 14.4.3.1", Shall, "scheduled procedure steps are searched", func(t *T) {
			t.get(steps, acceptJSON).status(200, 204)
		}),
		reads("scheduled.none", "PS3.18 14.4.3.1", Shall, "no result: 204", func(t *T) {
			t.get(steps+"?PatientID=no-such-patient-"+t.data.run, acceptJSON).status(204).empty()
		}),
		reads("scheduled.invalid", "PS3.18 14.4.3.1", Shall, "an invalid parameter is answered 400", func(t *T) { t.get(steps+"?limit=x", acceptJSON).status(400) }),
		find("station", "by the station's AE title", "00400100.00400001=CFRUN", true),
		find("station-keyword", "by keywords", "ScheduledProcedureStepSequence.ScheduledStationAETitle=CFRUN", true),
		find("other-station", "by another station", "00400100.00400001=OTHER", false),
		find("date", "by the start date", "00400100.00400002=20300102", true),
		find("date-range", "by a range of the start date", "00400100.00400002=20300101-20300103", true),
		find("other-date", "by another date", "00400100.00400002=20300104", false),
		find("modality", "by modality", "00400100.00080060=CT", true),
		find("modality-other", "by another modality", "00400100.00080060=MR", false),
		find("same-item", "several keys of the sequence match one item", "00400100.00080060=CT&00400100.00400001=CFRUN", true),
		find("performer", "by the performing physician", "00400100.00400006=Performer*", true),
		find("name", "by the patient's name", "PatientName=ConformRUN*", true),
		find("accession", "by accession number", "AccessionNumber=ACCRUN", true),
		writes("scheduled.returns", "PS3.18 14.4.2", Shall, "results have the return keys of PS3.4 Table K.6-1", func(t *T) {
			t.scheduled("returns")
			o := t.one(steps + "?PatientID=CF-" + t.data.run + "-returns")
			items := o.items("00400100")
			if len(items) != 1 {
				t.fail("(0040,0100) with one item")
			}
			for _, tag := range strings.Fields("00400001 00400002 00400003 00080060 00400006 00400009") {
				if !items[0].has(tag) {
					t.fail("%s in the item of (0040,0100)", tag)
				}
			}
			for _, tag := range strings.Fields("00080050 00100010 00100020 00100030 00100040 0020000D 00401001 00321060") {
				if !o.has(tag) {
					t.fail("%s", tag)
				}
			}
		}),
		writes("scheduled.xml", "PS3.18 14.1.3", Shall, "results come as multipart application/dicom+xml", func(t *T) {
			t.scheduled("xml")
			t.get(steps+"?PatientID=CF-"+t.data.run+"-xml", acceptXMLs).status(200).parts(dicomXML)
		}),
	}
	return of(Procedures, append(cases, performedCases()...)...)
}

func performedCases() []Case {
	const steps = "/modality-performed-procedure-steps/"
	begin := func(t *T, change ...func(*dicom.DataSet)) []byte {
		scheduled := &dicom.DataSet{}
		scheduled.SetStrings(dicom.StudyInstanceUID, dicom.UI, t.uid("performed"))
		scheduled.SetStrings(dicom.AccessionNumber, dicom.SH)
		scheduled.SetStrings(dicom.RequestedProcedureID, dicom.SH)
		scheduled.SetStrings(dicom.RequestedProcedureDescription, dicom.LO)
		scheduled.SetStrings(dicom.ScheduledProcedureStepID, dicom.SH)
		scheduled.SetStrings(dicom.ScheduledProcedureStepDescription, dicom.LO)
		scheduled.SetItems(dicom.ReferencedStudySequence)
		scheduled.SetItems(dicom.ScheduledProtocolCodeSequence)
		ds := &dicom.DataSet{}
		ds.SetItems(dicom.ScheduledStepAttributesSequence, scheduled)
		ds.SetStrings(dicom.PatientName, dicom.PN, "Conform"+t.data.run)
		ds.SetStrings(dicom.PatientID, dicom.LO, "CF-"+t.data.run+"-P")
		ds.SetStrings(dicom.PatientBirthDate, dicom.DA)
		ds.SetStrings(dicom.PatientSex, dicom.CS)
		ds.SetItems(dicom.ReferencedPatientSequence)
		ds.SetStrings(dicom.PerformedProcedureStepID, dicom.SH, "PPS"+t.data.run)
		ds.SetStrings(dicom.PerformedStationAETitle, dicom.AE, "CF"+t.data.run)
		ds.SetStrings(dicom.PerformedStationName, dicom.SH)
		ds.SetStrings(dicom.PerformedLocation, dicom.SH)
		ds.SetStrings(dicom.PerformedProcedureStepStartDate, dicom.DA, "20300102")
		ds.SetStrings(dicom.PerformedProcedureStepStartTime, dicom.TM, "093000")
		ds.SetStrings(dicom.PerformedProcedureStepStatus, dicom.CS, "IN PROGRESS")
		ds.SetStrings(dicom.PerformedProcedureStepDescription, dicom.LO)
		ds.SetStrings(dicom.PerformedProcedureTypeDescription, dicom.LO)
		ds.SetItems(dicom.ProcedureCodeSequence)
		ds.SetStrings(dicom.PerformedProcedureStepEndDate, dicom.DA)
		ds.SetStrings(dicom.PerformedProcedureStepEndTime, dicom.TM)
		ds.SetStrings(dicom.Modality, dicom.CS, "CT")
		ds.SetStrings(dicom.StudyID, dicom.SH)
		ds.SetItems(dicom.PerformedProtocolCodeSequence)
		ds.SetItems(dicom.PerformedSeriesSequence)
		for _, c := range change {
			c(ds)
		}
		return t.json(ds)
	}
	create := func(t *T, name string) string {
		path := steps + t.uid("mpps "+name)
		t.send(http.MethodPost, path, begin(t), contentTypeJSON, acceptJSON).orUnsupported().status(201)
		return path
	}
	finish := func(t *T) []byte {
		series := &dicom.DataSet{}
		series.SetStrings(dicom.PerformingPhysicianName, dicom.PN)
		series.SetStrings(dicom.ProtocolName, dicom.LO, "Axial")
		series.SetStrings(dicom.OperatorsName, dicom.PN)
		series.SetStrings(dicom.SeriesInstanceUID, dicom.UI, t.uid("mpps series"))
		series.SetStrings(dicom.SeriesDescription, dicom.LO)
		series.SetStrings(dicom.RetrieveAETitle, dicom.AE)
		series.SetItems(dicom.ReferencedImageSequence)
		series.SetItems(dicom.ReferencedNonImageCompositeSOPInstanceSequence)
		ds := &dicom.DataSet{}
		ds.SetStrings(dicom.PerformedProcedureStepEndDate, dicom.DA, "20300102")
		ds.SetStrings(dicom.PerformedProcedureStepEndTime, dicom.TM, "100000")
		ds.SetStrings(dicom.PerformedProcedureStepStatus, dicom.CS, "COMPLETED")
		ds.SetItems(dicom.PerformedSeriesSequence, series)
		return t.json(ds)
	}
	return []Case{
		writes("performed.create", "PS3.18 15.4.3.1", Shall, "a performed procedure step is created: 201", func(t *T) { create(t, "create") }),
		writes("performed.exists", "PS3.18 15.4.3.1", Shall, "a UID that is taken is answered 409", func(t *T) {
			t.send(http.MethodPost, create(t, "exists"), begin(t), contentTypeJSON, acceptJSON).status(409)
		}),
		writes("performed.bad", "PS3.18 15.4.3.1", Shall, "a body that is no data set is answered 400", func(t *T) {
			t.send(http.MethodPost, steps+t.uid("mpps bad"), []byte("{"), contentTypeJSON, acceptJSON).orUnsupported().status(400)
		}),
		writes("performed.created-completed", "PS3.4 F.7.2.1.2", Shall, "a step is created IN PROGRESS, or not at all", func(t *T) {
			body := begin(t, func(ds *dicom.DataSet) { ds.SetStrings(dicom.PerformedProcedureStepStatus, dicom.CS, "COMPLETED") })
			t.send(http.MethodPost, steps+t.uid("mpps done"), body, contentTypeJSON, acceptJSON).orUnsupported().status(400, 409)
		}),
		writes("performed.complete", "PS3.18 15.5.3.1", Shall, "a step is completed by ?update", func(t *T) {
			t.send(http.MethodPost, create(t, "complete")+"?update", finish(t), contentTypeJSON, acceptJSON).status(200)
		}),
		writes("performed.complete-path", "PS3.18 15.5.1.1", Practice, "/update is understood as well: the supplement's examples have it", func(t *T) {
			t.send(http.MethodPost, create(t, "path")+"/update", finish(t), contentTypeJSON, acceptJSON).status(200)
		}),
		writes("performed.final", "PS3.18 15.5.3.1", Shall, "a completed step is not changed", func(t *T) {
			path := create(t, "final")
			t.send(http.MethodPost, path+"?update", finish(t), contentTypeJSON, acceptJSON).status(200)
			t.send(http.MethodPost, path+"?update", finish(t), contentTypeJSON, acceptJSON).status(400, 409)
		}),
		writes("performed.update-404", "PS3.18 15.5.3.1", Shall, "a step that does not exist is answered 404", func(t *T) {
			create(t, "probe")
			t.send(http.MethodPost, steps+unknownUID+"?update", finish(t), contentTypeJSON, acceptJSON).status(404, 410)
		}),
		writes("performed.retrieve", "PS3.18 15.6.3.1", May, "a step is retrieved", func(t *T) {
			a := t.get(create(t, "retrieve"), acceptJSON).orUnsupported().status(200)
			if !strings.Contains(string(a.body), "IN PROGRESS") {
				t.fail("(0040,0252) IN PROGRESS")
			}
		}),
		writes("performed.xml", "PS3.18 15.1.3", Shall, "the data set may come as application/dicom+xml", func(t *T) {
			create(t, "probe xml")
			ds := &dicom.DataSet{}
			if err := ds.UnmarshalJSON(begin(t)); err != nil {
				t.skip("%v", err)
			}
			body, err := ds.AppendXML(nil)
			if err != nil {
				t.skip("%v", err)
			}
			t.send(http.MethodPost, steps+t.uid("mpps xml"), body, "Content-Type: "+dicomXML, acceptJSON).status(201)
		}),
	}
}
