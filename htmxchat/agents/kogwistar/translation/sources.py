"""Makes sources of citations. A citation names a node, whose text is in the last checkpoint or in `/evidence`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ....events import Source
from ....text.phrases import cut
from .replies import mapping, objects, strings, text_at

_MAX_LENGTH = 400


def citations(result: Mapping[str, Any]) -> dict[tuple[str, int, int], list[str]]:
    """Return what an answer cites: a node, a mention and a span, in the order of the claims, each with its claims."""
    cited = mapping(result.get("claim_citations"))
    places: dict[tuple[str, int, int], list[str]] = {}
    for claim in objects(cited.get("claims")):
        for each in objects(claim.get("citations")):
            place = text_at(each, "source_node_id"), _index(each, "mention"), _index(each, "span")
            places.setdefault(place, []).append(text_at(claim, "claim"))
    return {place: claims for place, claims in places.items() if place[0]} or {
        (id, 0, 0): [] for id in strings(cited.get("selected_node_ids"))
    }


def find_sources(
    result: Mapping[str, Any], state: Mapping[str, Any], evidence: Mapping[str, str]
) -> tuple[Source, ...]:
    """Return the sources of an answer, one for each cited place.

    Args:
        result: The run's result.
        state: The workflow's state at the last checkpoint; may be empty.
        evidence: Summaries by reference; not all servers have them.
    """
    nodes = _nodes(state)
    return tuple(
        _source(id, nodes.get(id, {}), mention, span, claims, evidence.get(id, ""))
        for (id, mention, span), claims in citations(result).items()
    )


def _nodes(state: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    pack = mapping(mapping(state.get("_rt")).get("evidence_pack"))
    lists = (state.get("candidates"), state.get("selected_candidates"), pack.get("nodes"))
    return {text_at(node, "node_id") or text_at(node, "id"): node for nodes in lists for node in objects(nodes)}


def _source(id: str, node: Mapping[str, Any], mention: int, span: int, claims: list[str], summary: str) -> Source:
    place = _at(objects(_at(objects(node.get("mentions")), mention).get("spans")), span)
    excerpt = text_at(place, "excerpt") or text_at(node, "summary") or text_at(node, "doc") or summary
    url = text_at(place, "document_page_url")
    page = place.get("page_number")
    supported = "; ".join(dict.fromkeys(cut(claim, _MAX_LENGTH) for claim in claims if claim and claim != excerpt))
    where = ", ".join(filter(None, [text_at(place, "doc_id"), f"page {page}" if isinstance(page, int) else ""]))
    detail = " · ".join(filter(None, [where, supported and f"supports: {supported}"]))
    web = url if url.startswith(("https://", "http://")) else None
    return Source(text_at(node, "label") or id, web, detail, cut(excerpt, _MAX_LENGTH))


def _at(items: list[dict[str, Any]], index: int) -> dict[str, Any]:
    return items[index] if 0 <= index < len(items) else {}


def _index(citation: Mapping[str, Any], name: str) -> int:
    value = citation.get(f"{name}_index")
    return value if isinstance(value, int) else 0
