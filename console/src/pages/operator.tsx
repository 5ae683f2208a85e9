export function OperatorPage() { return <p>later</p>; }
