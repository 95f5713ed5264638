-- Add the index.
SELECT count(dynamo.update_table('{
	"TableName": "bench",
	"AttributeDefinitions": [
		{"AttributeName": "shelf", "AttributeType": "N"},
		{"AttributeName": "sk", "AttributeType": "S"}],
	"GlobalSecondaryIndexUpdates": [{"Create": {
		"IndexName": "by_shelf",
		"KeySchema": [
			{"AttributeName": "shelf", "KeyType": "HASH"},
			{"AttributeName": "sk", "KeyType": "RANGE"}],
		"Projection": {"ProjectionType": "ALL"}}}]}'));
