// Package procedure is the modality worklist and the performed procedure steps of modalities (PS3.4 Annexes K and F, PS3.18 chapters 14 and
// 15): what such a step must hold, and what becomes of it. It knows neither HTTP nor SQL.
//
// scheduled.go has what is to be done, performed.go what is done; repository.go is the seam to whatever keeps them.
package procedure
