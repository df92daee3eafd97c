package main

import (
	"fmt"

	"github.com/noctis-dicom/noctis/internal/audit"
)

// auditDamaged is the kind of finding of an audit log that is not as it was written. It cannot be mended, which is its purpose.
const auditDamaged = "audit log damaged"

// examineAudit compares the audit log with its chain and its seal.
func (p *patient) examineAudit() {
	v, err := audit.Verify(p.Data)
	if err != nil {
		p.d.find(auditDamaged, "it cannot be read: %v", err)
		return
	}
	for i, damage := range v.Damages {
		if i == maxAuditDamages {
			p.d.note("the audit log has %d more damages: noctis audit verify", len(v.Damages)-i)
			break
		}
		p.d.find(auditDamaged, "%v", damage)
	}
	for _, n := range v.Notes {
		p.d.note("%s", fmt.Sprint("audit log: ", n))
	}
}

// maxAuditDamages is how many are told each for itself.
const maxAuditDamages = 20
