"""What the service costs on AWS: requests counted on real jobs, function seconds computed, times dated prices."""
