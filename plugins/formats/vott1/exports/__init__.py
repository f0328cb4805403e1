"""VoTT v1's own darknet exports and the faults in them: a checker that proves which labels were damaged, and how."""
