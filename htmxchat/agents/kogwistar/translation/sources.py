"""Makes sources of citations. A citation names a node, whose text is in the last checkpoint or in `/evidence`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ....events import Source
from ....text.phrases import cut
from .replies import mapping, objects, text_at

_MAX_LENGTH = 400


def cites(result: Mapping[str, Any]) -> bool:
    """Return whether an answer cites anything."""
    citations = mapping(result.get("claim_citations"))
    claims = citations.get("claims")
    return bool(citations.get("selected_node_ids")) or (
        isinstance(claims, list) and any(mapping(claim).get("citations") for claim in claims)
    )


def find_sources(
    result: Mapping[str, Any], state: Mapping[str, Any], evidence: Mapping[str, str]
) -> tuple[Source, ...]:
    """Return the sources of an answer, one for each cited place, in the order of the claims.

    Args:
        result: The run's result.
        state: The workflow's state at the last checkpoint; may be empty.
        evidence: Summaries by reference; not all servers have them.
    """
    citations = mapping(result.get("claim_citations"))
    nodes = _nodes(state)
    places: dict[tuple[str, int, int], list[str]] = {}
    for claim in objects(citations.get("claims")):
        for citation in objects(claim.get("citations")):
            place = text_at(citation, "source_node_id"), _index(citation, "mention"), _index(citation, "span")
            places.setdefault(place, []).append(text_at(claim, "claim"))
    if not places:
        chosen = citations.get("selected_node_ids")
        places = {(id, 0, 0): [] for id in chosen if isinstance(id, str)} if isinstance(chosen, list) else {}
    return tuple(
        _source(id, nodes.get(id, {}), mention, span, claims, evidence.get(id, ""))
        for (id, mention, span), claims in places.items()
        if id
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
    where = [text_at(place, "doc_id"), f"page {page}" if isinstance(page, int) else ""]
    detail = ", ".join(filter(None, where))
    supported = "; ".join(dict.fromkeys(cut(claim, _MAX_LENGTH) for claim in claims if claim and claim != excerpt))
    if supported:
        detail = f"{detail} · supports: {supported}" if detail else f"supports: {supported}"
    web = url if url.startswith(("https://", "http://")) else None
    return Source(text_at(node, "label") or id, web, detail, cut(excerpt, _MAX_LENGTH))


def _at(items: list[dict[str, Any]], index: int) -> dict[str, Any]:
    return items[index] if 0 <= index < len(items) else {}


def _index(citation: Mapping[str, Any], name: str) -> int:
    value = citation.get(f"{name}_index")
    return value if isinstance(value, int) else 0
