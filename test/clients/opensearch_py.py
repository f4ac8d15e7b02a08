"""What opensearch-py says of an OpenSearch at an address: python opensearch_py.py URL INDEX WRITTEN, one JSON object on stdout."""

import json
import sys

from opensearchpy import NotFoundError, OpenSearch, RequestError, helpers

url, index, written = sys.argv[1:]
client = OpenSearch(hosts=[url])
query = {"match": {"title": "lamp mug dress"}}


def ids(answer):
    return [hit["_id"] for hit in answer["hits"]["hits"]]


def refused(error, call):
    try:
        call()
    except error as refusal:
        return [refusal.status_code, refusal.error]
    return None


documents = [{"_index": written, "_id": str(place), "title": f"lamp {place}"} for place in range(25)]
said = {
    "version": client.info()["version"]["number"],
    "search": ids(client.search(index=index, body={"query": query, "size": 8})),
    "source": client.search(index=index, body={"query": query, "size": 3, "sort": ["price"]})["hits"]["hits"],
    "msearch": [ids(each) for each in client.msearch(body=[{"index": index}, {"query": query, "size": 8}, {}, {"query": query, "size": 2, "sort": ["price"]}], index=index)["responses"]],
    "count": client.count(index=index, body={"query": query})["count"],
    "scan": sorted(hit["_id"] for hit in helpers.scan(client, index=index, query={"query": query}, size=3)),
    "aggregations": client.search(index=index, body={"size": 0, "aggs": {"brands": {"terms": {"field": "brand"}}}})["aggregations"],
    "bulk": helpers.bulk(client, documents, refresh=True),
    "written": client.count(index=written)["count"],
    "get": client.get(index=written, id="7")["_source"],
    "dropped": client.indices.delete(index=written),
    "missing": refused(NotFoundError, lambda: client.get(index=index, id="no such product")),
    "unknown": refused(NotFoundError, lambda: client.search(index="no-such-index-at-all")),
    "wrong": refused(RequestError, lambda: client.search(index=index, body={"query": {"no_such_query": {}}})),
}
print(json.dumps(said))
